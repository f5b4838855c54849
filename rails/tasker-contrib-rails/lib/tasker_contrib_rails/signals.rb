# frozen_string_literal: true

module TaskerContribRails
  # SIGTERM and SIGINT as something to wait for.
  #
  # @api private
  module Signals
    module_function

    # A pipe, because a trap may not take locks. The second signal ends the process without waiting for anything.
    #
    # @return [IO] has the name of the signal in a line when one has come
    def trap
      reader, writer = IO.pipe
      received = 0
      %w[INT TERM].each do |signal|
        Signal.trap(signal) do
          exit!(128 + Signal.list[signal]) if (received += 1) > 1
          writer.write_nonblock("#{signal}\n")
        end
      end
      reader
    end
  end
end
