//! People who may sign in.

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::Argon2;
use async_trait::async_trait;
use sqlx::PgPool;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use uuid::Uuid;

const MIN_PASSWORD: usize = 12;

/// It has a password's hash, so it cannot be printed.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct User {
    pub id: Uuid,
    pub email: String,
    pub password_hash: String,
    pub is_reviewer: bool,
}

/// What signing in needs; tests have one in memory.
#[async_trait]
pub trait Users: Send + Sync {
    async fn by_email(&self, email: &str) -> sqlx::Result<Option<User>>;
    async fn get(&self, id: Uuid) -> sqlx::Result<Option<User>>;
}

/// The users of the application's database.
#[derive(Clone)]
pub struct SqlUsers(pub PgPool);

#[async_trait]
impl Users for SqlUsers {
    async fn by_email(&self, email: &str) -> sqlx::Result<Option<User>> {
        sqlx::query_as(
            "select id, email, password_hash, is_reviewer from app.users where email = $1",
        )
        .bind(email.to_lowercase())
        .fetch_optional(&self.0)
        .await
    }

    async fn get(&self, id: Uuid) -> sqlx::Result<Option<User>> {
        sqlx::query_as("select id, email, password_hash, is_reviewer from app.users where id = $1")
            .bind(id)
            .fetch_optional(&self.0)
            .await
    }
}

impl SqlUsers {
    /// False if there is a user with this address.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn add(&self, user: &User) -> sqlx::Result<bool> {
        let added = sqlx::query(
            "insert into app.users (id, email, password_hash, is_reviewer) values ($1, $2, $3, $4) on conflict (email) do nothing",
        )
        .bind(user.id)
        .bind(&user.email)
        .bind(&user.password_hash)
        .bind(user.is_reviewer)
        .execute(&self.0)
        .await?;
        Ok(added.rows_affected() > 0)
    }
}

pub async fn new_user(email: &str, password: &str, is_reviewer: bool) -> User {
    User {
        id: Uuid::new_v4(),
        email: email.to_lowercase(),
        password_hash: hash(password.to_owned()).await,
        is_reviewer,
    }
}

/// Whether that is the user's password. Without a user it takes as long as with one.
pub async fn has_password(user: Option<&User>, password: &str) -> bool {
    static NOBODY: OnceCell<String> = OnceCell::const_new();
    let hash = match user {
        Some(user) => user.password_hash.clone(),
        None => NOBODY
            .get_or_init(|| hash(Uuid::new_v4().to_string()))
            .await
            .clone(),
    };
    let password = password.to_owned();
    let verified = spawn_blocking(move || {
        let parsed = PasswordHash::new(&hash).ok()?;
        let verified = Argon2::default().verify_password(password.as_bytes(), &parsed);
        verified.ok()
    });
    matches!(verified.await, Ok(Some(()))) && user.is_some()
}

/// Argon2id, on a thread that may take its time.
async fn hash(password: String) -> String {
    let hashing = spawn_blocking(move || {
        let salt = SaltString::generate(&mut OsRng);
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        hash.expect("the default parameters are right").to_string()
    });
    hashing.await.expect("hashing does not panic")
}

/// Adds a user as the command line says.
///
/// # Errors
///
/// What is wrong with them, in a sentence.
pub async fn add_user(
    users: &SqlUsers,
    email: &str,
    password: &str,
    is_reviewer: bool,
) -> Result<(), String> {
    if !is_address(email) {
        return Err(format!("{email:?} is not an e-mail address"));
    }
    if password.chars().count() < MIN_PASSWORD {
        return Err(format!(
            "the password needs {MIN_PASSWORD} characters or more"
        ));
    }
    let added = users
        .add(&new_user(email, password, is_reviewer).await)
        .await;
    match added {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("there is a user {email} already")),
        Err(error) => Err(error.to_string()),
    }
}

fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('@').collect();
    parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && !text.contains(char::is_whitespace)
}
