mock_provider "aws" {
  source = "./tests/mocks"
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
    error_message = "the smallest class has memory for 100 connections, and all of them are needed"
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
