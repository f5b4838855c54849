# frozen_string_literal: true

# `rails new NAME -m …/tasker-rails-template/template.rb` makes a project of the application beside this file. Rails has written its own
# application by now; what it chose for this machine (its version, the server of gems, the version of Ruby) is kept, the rest is replaced.

require File.expand_path("template/project", File.dirname(rails_template))

project = Template::Project.new(destination_root, original_app_name, app_const_base)
project.refuse_if_wrong { |why| abort "error: #{why}" }
project.make

# What else `rails new` would add.
self.options = options.merge(skip_javascript: true, skip_hotwire: true, skip_kamal: true, skip_solid: true, css: nil).freeze

say "#{project.name} is in #{destination_root}. README.md there has the next three commands."
