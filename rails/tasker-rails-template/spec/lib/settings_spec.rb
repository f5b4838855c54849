# frozen_string_literal: true

RSpec.describe Settings do
  good = { "RAILS_ENV" => "production", "SECRET_KEY_BASE" => "k3Z0" * 12, "APP_DATABASE_URL" => "postgresql://app:Vq7-long-one@db:5432/app" }

  it "let production start with secrets of its own" do
    expect(described_class.new(good)).to be_production.and have_attributes(db_pool_size: 10, log_level: :info, upload_rate: have_attributes(count: 60, seconds: 60))
  end

  [
    [ "SECRET_KEY_BASE", described_class::EXAMPLE_SECRET ], [ "SECRET_KEY_BASE", "short" ],
    [ "APP_DATABASE_URL", "postgresql://app:postgres@db/app" ], [ "APP_DATABASE_URL", "postgresql://app@db/app" ],
    [ "DATABASE_URL", "postgresql://tasker:password@db/tasker" ]
  ].each do |name, value|
    it "stop production with the name of an example secret: #{name}=#{value}" do
      expect { described_class.new(good.merge(name => value)) }.to raise_error(Settings::Invalid, /\A#{name}: [^\n]+RAILS_ENV=production refuses[^\n]+\z/) do |error|
        expect(error.message).not_to include(value)
      end
      described_class.new(good.merge(name => value, "RAILS_ENV" => "development"))
    end
  end

  [
    %w[SESSION_MINUTES soon], %w[DB_POOL_SIZE 0], %w[RAILS_ENV prod], %w[APP_DATABASE_URL here], %w[APP_DATABASE_URL mysql://a:b@c/d],
    %w[UPLOAD_RATE often], %w[LOGIN_RATE 0/minute], %w[LOG_LEVEL loud], %w[MAX_UPLOAD_BYTES -1]
  ].each do |name, value|
    it "stop with the name of a wrong value: #{name}=#{value}" do
      expect { described_class.new(good.merge(name => value)) }.to raise_error(Settings::Invalid, /\A#{name}: [^\n]+\z/)
    end
  end

  it "name every mistake, each in a line, and end the process" do
    expect { described_class.load!(good.merge("DB_POOL_SIZE" => "x", "LOG_LEVEL" => "y")) }
      .to raise_error(SystemExit).and output(/\Aerror: DB_POOL_SIZE: [^\n]+\nerror: LOG_LEVEL: [^\n]+\n\z/).to_stderr
  end

  it "keep tests away from the database of development" do
    url = described_class.new("APP_DATABASE_URL" => "postgresql://a:b@c/shop?sslmode=require").test_database_url
    expect(url).to eq("postgresql://a:b@c/shop_test?sslmode=require")
    expect(described_class.new("APP_DATABASE_URL" => url).test_database_url).to eq(url)
  end

  it "show no secret when they are printed" do
    expect(described_class.new(good).inspect).to eq("#<Settings of production>")
  end
end
