mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project = "mock"
}

run "minimal" {
  module {
    source = "./examples/minimal"
  }

  assert {
    condition     = yamldecode(output.helm_values).database.host == output.postgres.host
    error_message = "the charts must get the database of the module postgres"
  }

  assert {
    condition     = output.postgres.max_connections == 100
    error_message = "one server and one worker need 100 connections"
  }
}

run "production" {
  module {
    source = "./examples/production"
  }

  assert {
    condition     = yamldecode(output.helm_values).database.host == output.postgres.host
    error_message = "the charts must get the database of the module postgres"
  }
}
