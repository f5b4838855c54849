//! `tasker-dev health`: asks a server whether it is ready, for health checks of containers that have no other client.

use std::time::Duration;

use crate::cli::HealthArgs;
use crate::error::StackError;

/// Succeeds if the server says that it is ready.
///
/// # Errors
/// [`StackError::NotReady`].
pub async fn run(args: &HealthArgs) -> anyhow::Result<()> {
    let url = question(&args.url);
    // No proxy of the environment may stand between a server and its own health check.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(args.timeout))
        .build()?;
    let why = match client.get(&url).send().await {
        Ok(answer) if answer.status().is_success() => return Ok(()),
        Ok(answer) => {
            let status = answer.status();
            let body = answer.text().await.unwrap_or_default();
            format!(
                "it answered {status}: {}",
                body.chars().take(300).collect::<String>()
            )
        }
        Err(error) if error.is_timeout() => format!("no answer within {} s", args.timeout),
        Err(error) if error.is_connect() => "nothing listens there".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(StackError::NotReady { url, why }.into())
}

/// Core's server answers below `/health`, other processes where their URL says.
fn question(url: &str) -> String {
    let has_path = url::Url::parse(url).is_ok_and(|url| url.path() != "/");
    if has_path {
        return url.to_owned();
    }
    format!("{}/health/ready", url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::question;

    #[test]
    fn a_url_with_a_path_is_asked_as_it_is() {
        let server = "http://127.0.0.1:8080";
        let expected = format!("{server}/health/ready");
        assert_eq!(question(server), expected);
        assert_eq!(question(&format!("{server}/")), expected);
        assert_eq!(question("http://h:9187/ready"), "http://h:9187/ready");
    }
}
