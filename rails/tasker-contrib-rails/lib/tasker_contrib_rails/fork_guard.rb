# frozen_string_literal: true

module TaskerContribRails
  # A forked child has the native library without its threads: every call of it hangs. Every fork of Ruby, `Process.daemon` excepted, goes through this method.
  #
  # @api private
  module ForkGuard
    def _fork
      pid = super
      TaskerContribRails.runtime.after_fork if pid.zero?
      pid
    end

    def self.install = Process.singleton_class.prepend(self)
  end
end
