# frozen_string_literal: true

require "rails/command"

module Rails
  module Command
    module Tasker
      # bin/rails tasker:outbox:…
      #
      # @api private
      class OutboxCommand < Base
        LIST = "`bin/rails tasker:outbox:list` prints them"

        desc "relay", "Create the tasks of the outbox until SIGTERM or SIGINT"
        def relay
          run_it do
            signals = TaskerContribRails::Signals.trap
            relay = TaskerContribRails::Outbox::Relay.new
            TaskerContribRails::Outbox.check_table
            say "relaying tasker_outbox; process #{Process.pid}"
            $stdout.flush
            relay.run(signals)
            say "stopped"
          end
        end

        desc "list", "Print open and dead rows, and how long the oldest open one has waited"
        option :dead, type: :boolean, default: false, desc: "Only dead rows"
        def list
          run_it do
            counts = TaskerContribRails::Outbox.counts
            rows = options[:dead] ? entries.dead : entries.all
            rows.order(:id).find_each { |entry| say line(entry) }
            say "#{counts.open} open, #{counts.dead} dead, lag #{counts.lag.round} s"
          end
        end

        desc "retry ID…", "Give dead or delayed rows to the relay again; --all for every dead row"
        option :all, type: :boolean, default: false, desc: "Every dead row"
        def retry(*ids)
          run_it do
            chosen(ids).each do |entry|
              entry.retry!
              say "open again: #{line(entry)}"
            end
          end
        end

        desc "discard ID…", "Delete rows without creating their tasks; --all for every dead row"
        option :all, type: :boolean, default: false, desc: "Every dead row"
        def discard(*ids)
          run_it do
            chosen(ids).each do |entry|
              entry.destroy!
              say "discarded: #{line(entry)}"
            end
          end
        end

        no_commands do
          def entries = TaskerContribRails::OutboxEntry

          def run_it
            boot_application!
            require "tasker_contrib_rails/signals"
            TaskerContribRails::Outbox.check_table
            yield
          rescue TaskerContribRails::Error, ActiveRecord::ActiveRecordError => error
            warn "error: #{error.message.lines.first.chomp}"
            exit 1
          end

          def chosen(ids)
            wrong = ids.find { |id| !id.match?(/\A\d+\z/) }
            refuse("#{wrong.inspect} is not the id of a row; #{LIST}") if wrong
            refuse("give either ids or --all, not both") if options[:all] && ids.any?
            return entries.dead.order(:id).to_a if options[:all]

            refuse("give the ids of rows, or --all for every dead row; #{LIST}") if ids.empty?
            found = entries.where(id: ids).order(:id).to_a
            missing = ids.map(&:to_i) - found.map(&:id)
            refuse("there is no row #{missing.join(", ")} in tasker_outbox") if missing.any?
            found
          end

          def refuse(message) = raise(TaskerContribRails::Error, message)

          def line(entry)
            state = entry.dead_at ? "dead" : "open"
            more = [ ("key #{entry.ordering_key}" if entry.ordering_key), ("#{entry.attempts} attempts" if entry.attempts.positive?), entry.last_error ].compact
            [ entry.id, state, entry.created_at.utc.iso8601, entry.template, *more ].join("  ")
          end
        end
      end
    end
  end
end
