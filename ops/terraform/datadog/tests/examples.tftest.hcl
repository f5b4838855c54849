mock_provider "datadog" {}

run "minimal" {
  module {
    source = "./examples/minimal"
  }

  assert {
    condition     = length(output.monitors) == length(fileset("../../monitoring/datadog-monitors", "*.json"))
    error_message = "every file must become a monitor"
  }
}
