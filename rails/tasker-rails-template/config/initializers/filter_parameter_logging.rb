# frozen_string_literal: true

# Never in a log.
Rails.application.config.filter_parameters += %i[passw email secret token _key crypt salt file]
