# frozen_string_literal: true

require "io/console"

namespace :users do
  desc "Add a user: EMAIL=ann@example.org, REVIEWER=1 if reviews may be answered; the password comes from standard input"
  task add: :environment do
    input = $stdin.tty? ? ($stderr.print("Password: ") || $stdin.noecho(&:gets)) : $stdin.gets
    user = User.new(email: ENV["EMAIL"], password: input.to_s.chomp, is_reviewer: ENV["REVIEWER"] == "1")
    abort "error: #{user.errors.full_messages.to_sentence}" unless user.save
    puts "added #{user.email}"
  end
end
