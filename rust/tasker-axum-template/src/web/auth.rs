//! OAuth2 password flow: `POST /token` gives a signed token, which the other routes ask for.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts as RequestParts;
use axum::http::{header, StatusCode};
use axum::{Form, Json};
use jsonwebtoken::{decode, encode, Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use uuid::Uuid;

use super::{App, Problem};
use crate::settings::Settings;
use crate::users::{has_password, User};

const ALGORITHM: Algorithm = Algorithm::HS256;
const ISSUER: &str = "app";

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    iss: String,
    iat: u64,
    exp: u64,
}

#[derive(Deserialize)]
pub struct SignIn {
    username: String,
    password: String,
}

/// A token for a user, valid from now on.
///
/// # Errors
///
/// It cannot be signed.
pub fn make_token(user: Uuid, settings: &Settings) -> Result<String, jsonwebtoken::errors::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let iat = now.unwrap_or_default().as_secs();
    let claims = Claims {
        sub: user,
        iss: ISSUER.to_owned(),
        iat,
        exp: iat + 60 * settings.token_minutes,
    };
    let key = EncodingKey::from_secret(settings.jwt_secret.as_bytes());
    encode(&Header::new(ALGORITHM), &claims, &key)
}

pub async fn sign_in(
    State(app): State<App>,
    form: Result<Form<SignIn>, FormRejection>,
) -> Result<Json<Value>, Problem> {
    let Form(form) = form.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("request", app.most_bytes()),
        _ => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the form needs username and password",
        ),
    })?;
    let settings = &app.parts.settings;
    let user = app.parts.users.by_email(&form.username).await?;
    let is_right = has_password(user.as_ref(), &form.password).await;
    let user = user.filter(|_| is_right);
    let user = user.ok_or_else(|| Problem::unauthorized("wrong e-mail address or password"))?;
    let token = make_token(user.id, settings).map_err(Problem::internal)?;
    let expires_in = 60 * settings.token_minutes;
    Ok(Json(json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": expires_in,
    })))
}

/// An argument of routes for those who have a token.
pub struct SignedIn(pub User);

/// An argument of routes for those who may answer reviews.
pub struct Reviewer(pub User);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut RequestParts, app: &App) -> Result<Self, Problem> {
        let given = request.headers.get(header::AUTHORIZATION);
        let words = given.and_then(|value| value.to_str().ok()?.split_once(' '));
        let token = match words {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
            _ => return Err(Problem::unauthorized("sign in first")),
        };
        let id = subject_of(token, &app.parts.settings)
            .ok_or_else(|| Problem::unauthorized("the token is not valid, or no longer"))?;
        let user = app.parts.users.get(id).await?;
        user.map(Self)
            .ok_or_else(|| Problem::unauthorized("the token's user does not exist"))
    }
}

impl FromRequestParts<App> for Reviewer {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut RequestParts, app: &App) -> Result<Self, Problem> {
        let SignedIn(user) = SignedIn::from_request_parts(request, app).await?;
        if !user.is_reviewer {
            let why = "only reviewers may do this";
            return Err(Problem::new(StatusCode::FORBIDDEN, why));
        }
        Ok(Self(user))
    }
}

fn subject_of(token: &str, settings: &Settings) -> Option<Uuid> {
    let mut wanted = Validation::new(ALGORITHM);
    wanted.leeway = 0;
    wanted.set_issuer(&[ISSUER]);
    let key = DecodingKey::from_secret(settings.jwt_secret.as_bytes());
    let token = decode::<Claims>(token, &key, &wanted).ok()?;
    Some(token.claims.sub)
}
