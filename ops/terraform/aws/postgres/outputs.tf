output "host" {
  description = "The server's private name."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Its port."
  value       = aws_db_instance.this.port
}

output "database" {
  description = "The database of Tasker."
  value       = local.database
}

output "database_options" {
  description = "What follows the `?` of a database URL: TLS is enforced."
  value       = "sslmode=require"
}

output "admin_user" {
  description = "The role that makes the other two. No server and no worker ever uses it."
  value       = aws_db_instance.this.username
}

output "admin_secret" {
  description = "Where the cloud keeps the administrator's password."
  value       = one(aws_db_instance.this.master_user_secret[*].secret_arn)
}

output "app_user" {
  description = "The role of servers and workers: it reads and writes rows, and cannot change the schema."
  value       = local.app_user
}

output "app_secret" {
  description = "Where the cloud keeps the password of that role."
  value       = aws_secretsmanager_secret.app.arn
}

output "migrate_user" {
  description = "The role of migrations: it owns the database and is no administrator."
  value       = local.migrate_user
}

output "migrate_secret" {
  description = "Where the cloud keeps the password of that role."
  value       = aws_secretsmanager_secret.migrate.arn
}

output "max_connections" {
  description = "How many connections the server accepts: the sum of what servers, workers and others open, also during a rollout."
  value       = local.needed
}

output "pgmq" {
  description = "How PGMQ gets into this cloud's databases: `tasker-dev migrate` chooses it by itself."
  value       = "sql"
}
