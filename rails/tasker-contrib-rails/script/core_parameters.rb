# frozen_string_literal: true

# Parameters of methods, to be compared and to be shown.
module CoreParameters
  private

  # Blocks are optional everywhere, names of positional parameters and the order of keywords mean nothing.
  def normal(parameters)
    list = parameters.map { |kind, name| %i[key keyreq].include?(kind) ? [ kind, name ] : [ kind ] }.reject { |kind, _| kind == :block }
    positional, keywords = list.partition { |kind, _| %i[req opt rest].include?(kind) }
    positional + keywords.sort_by { |kind, name| [ kind.to_s, name.to_s ] }
  end

  def shown(parameters)
    signs = { req: "x", opt: "x = ?", rest: "*", keyrest: "**" }
    parameters.map { |kind, name| signs[kind] || "#{name}:#{" ?" if kind == :key}" }.join(", ")
  end
end
