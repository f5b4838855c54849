# frozen_string_literal: true

require "puma/plugin"

# Runs steps in the processes of Puma that serve requests: in the only one, or in each of a cluster.
#
#   # config/puma.rb
#   plugin :tasker
module TaskerContribRails
  module PumaPlugin
    # Puma 7 renamed its hooks.
    HOOKS = { boot: %i[before_worker_boot on_worker_boot], shutdown: %i[before_worker_shutdown on_worker_shutdown], restart: %i[before_restart on_restart] }.freeze

    module_function

    def hook(dsl, kind, &)
      dsl.public_send(HOOKS.fetch(kind).find { |name| dsl.respond_to?(name) }, &)
    end

    # Puma 7 renamed this as well.
    def booted(events, &)
      events.public_send(events.respond_to?(:after_booted) ? :after_booted : :on_booted, &)
    end

    def stopped(events, &)
      events.public_send(events.respond_to?(:after_stopped) ? :after_stopped : :on_stopped, &)
    end

    # Without a cluster Puma warns about a cluster's hooks; the plugin is for both.
    def silently(dsl)
      options = dsl.instance_variable_get(:@options)
      before = options.fetch(:silence_fork_callback_warning, :unset)
      options[:silence_fork_callback_warning] = true
      yield
    ensure
      before == :unset ? options.delete(:silence_fork_callback_warning) : options[:silence_fork_callback_warning] = before
    end

    # Puma only logs what a hook raises, and would serve requests without a worker.
    def start(cluster:)
      require "tasker_contrib_rails"
      App.start(puma_plugin: true)
    rescue StandardError => error
      warn "tasker: #{error.message}"
      Process.kill("TERM", Process.ppid) if cluster
      exit!(1)
    end

    def stop
      TaskerContribRails.runtime.stop if TaskerContribRails.respond_to?(:runtime)
    end
  end
end

Puma::Plugin.create do
  def config(dsl)
    plugin = TaskerContribRails::PumaPlugin
    plugin.silently(dsl) do
      plugin.hook(dsl, :boot) { plugin.start(cluster: true) }
      plugin.hook(dsl, :shutdown) { plugin.stop }
    end
    plugin.hook(dsl, :restart) { plugin.stop }
  end

  def start(launcher)
    return if launcher.options[:workers].to_i.positive?

    plugin = TaskerContribRails::PumaPlugin
    plugin.booted(launcher.events) { plugin.start(cluster: false) }
    # Called from a signal handler, where locks cannot be taken; the runtime's own exit handler waits for the end of it.
    plugin.stopped(launcher.events) { Thread.new { plugin.stop } }
  end
end
