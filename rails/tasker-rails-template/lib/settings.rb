# frozen_string_literal: true

require "uri"

# Settings of the application, typed, from the environment: one for each variable, whose name is the setting's in capitals.
# Everything about Tasker itself (DATABASE_URL, TASKER_…) belongs to the gem: `bin/tasker config` prints it.
class Settings
  EXAMPLE_SECRET = "example-secret-for-development-only-0123456789"
  EXAMPLE_PASSWORDS = %w[app postgres tasker password].freeze
  ENVIRONMENTS = %w[development test production].freeze
  LEVELS = %w[debug info warn error].freeze
  # What multipart adds to a file.
  ENVELOPE_BYTES = 10_000
  SECONDS = { "second" => 1, "minute" => 60, "hour" => 3600, "day" => 86_400 }.freeze

  Rate = Data.define(:count, :seconds, :text)

  # One line for each mistake.
  class Invalid < StandardError; end

  # Ends the process, if a setting is wrong.
  def self.load!(environment = ENV)
    new(environment)
  rescue Invalid => error
    abort error.message.gsub(/^/, "error: ")
  end

  attr_reader :environment, :app_database_url, :db_pool_size, :secret_key_base, :session_minutes, :max_upload_bytes,
    :login_rate, :upload_rate, :rate_limit_storage, :log_level

  # @raise [Invalid]
  def initialize(variables)
    @variables = variables
    @problems = []
    @environment = one_of("RAILS_ENV", ENVIRONMENTS, "development")
    @app_database_url = database_url
    # Connections of one process. A worker needs as many as it runs steps at the same time.
    @db_pool_size = integer("DB_POOL_SIZE", 10, 1..100)
    @secret_key_base = text("SECRET_KEY_BASE", EXAMPLE_SECRET)
    @session_minutes = integer("SESSION_MINUTES", 30, 1..1440)
    @max_upload_bytes = integer("MAX_UPLOAD_BYTES", 5_000_000, 1..)
    # Of each client address, and of each user.
    @login_rate = rate("LOGIN_RATE", "10/minute")
    @upload_rate = rate("UPLOAD_RATE", "60/minute")
    # `memory://` counts in each process for itself; `redis://host:6379` counts for all of them and needs the gem redis.
    @rate_limit_storage = text("RATE_LIMIT_STORAGE", "memory://")
    @log_level = one_of("LOG_LEVEL", LEVELS, "info").to_sym
    check_secrets if production? && @problems.empty?
    raise Invalid, @problems.join("\n") if @problems.any?
  end

  def production? = environment == "production"

  def test_database_url = URI(app_database_url).tap { |url| url.path += "_test" unless url.path.end_with?("_test") }.to_s

  # Without its values, which may be secret.
  def inspect = "#<Settings of #{environment}>"

  private

  # Puma reads the settings before there is a Rails.
  def text(name, default) = @variables[name].to_s.empty? ? default : @variables[name]

  def integer(name, default, range)
    value = Integer(text(name, default), exception: false)
    return value if value && range.cover?(value)

    problem(name, "#{@variables[name].inspect} is not a whole number of #{[ range.begin, *range.end ].join(" to ")}#{" or more" unless range.end}")
    default
  end

  def one_of(name, allowed, default)
    value = text(name, default)
    return value if allowed.include?(value)

    problem(name, "#{value.inspect} is not one of #{allowed.join(", ")}")
    default
  end

  def rate(name, default)
    count, unit = text(name, default).match(%r{\A([1-9]\d*)/(#{SECONDS.keys.join("|")})\z})&.captures
    return Rate.new(count: count.to_i, seconds: SECONDS.fetch(unit), text: "#{count}/#{unit}") if count

    problem(name, "#{@variables[name].inspect} is not a rate such as 10/minute")
  end

  def database_url
    value = text("APP_DATABASE_URL", "postgresql://app:app@127.0.0.1:5432/app")
    return value if parsed(value)&.scheme == "postgresql" && parsed(value).path.length > 1

    problem("APP_DATABASE_URL", "is not a URL such as postgresql://user:password@host:5432/name")
    value
  end

  def check_secrets
    problem("SECRET_KEY_BASE", refusal("has its example value")) if secret_key_base == EXAMPLE_SECRET
    problem("SECRET_KEY_BASE", refusal("has fewer than 32 bytes")) if secret_key_base.bytesize < 32
    own, taskers = [ app_database_url, @variables["DATABASE_URL"] ].map { |url| parsed(url)&.password }
    problem("APP_DATABASE_URL", refusal("has no password, or an example value for it")) if own.nil? || EXAMPLE_PASSWORDS.include?(own)
    problem("DATABASE_URL", refusal("has an example value for its password")) if EXAMPLE_PASSWORDS.include?(taskers)
  end

  def refusal(what) = "#{what}, which RAILS_ENV=production refuses; `ruby -rsecurerandom -e 'puts SecureRandom.hex(48)'` makes a good one"

  # The gem says what is wrong with Tasker's.
  def parsed(url)
    URI(url) if url
  rescue URI::InvalidURIError
    nil
  end

  def problem(name, what)
    @problems << "#{name}: #{what}"
    nil
  end
end
