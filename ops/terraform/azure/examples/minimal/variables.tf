variable "subscription" {
  description = "The subscription's id."
  type        = string
}

variable "name" {
  description = "The beginning of all names. The server and the vault have it, too, so it must be globally unique in Azure, such as contoso-tasker."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
  default     = "germanywestcentral"
}

variable "api_allowed_cidrs" {
  description = "Your own address, such as 203.0.113.7/32, from which kubectl and helm reach the cluster, and Terraform the vault."
  type        = list(string)
  default     = []
}

variable "passwords" {
  description = "The passwords of the roles of the administrator, of servers and workers, and of migrations, in no state and no plan: `export TF_VAR_passwords`."
  type = object({
    admin   = string
    app     = string
    migrate = string
  })
  sensitive = true
  ephemeral = true
}

variable "passwords_version" {
  description = "Raise it to have the passwords written again."
  type        = number
  default     = 1
}

variable "release" {
  description = "What is installed, as the input of that name of the module tasker says. Leave it out until the cluster, its namespace and the password are there."
  type        = any
  default     = null
}
