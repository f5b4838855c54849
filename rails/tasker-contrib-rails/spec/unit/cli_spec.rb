# frozen_string_literal: true

require "tasker_contrib_rails/cli"

RSpec.describe TaskerContribRails::CLI do
  it "explains every command, however it is asked" do
    described_class.commands.each_value do |command|
      [ [ "help", command.name ], [ command.name, "--help" ], [ command.name, "-h" ] ].each do |arguments|
        expect { described_class.start(arguments) }.to output(/\AUsage:\n.* #{command.name}\n/).to_stdout, arguments.join(" ")
      end
    end
    expect { described_class.start([ "--help" ]) }.to output(/tasker commands:.*check.*config.*start/m).to_stdout
  end
end
