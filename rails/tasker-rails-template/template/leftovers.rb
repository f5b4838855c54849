# frozen_string_literal: true

require "etc"
require "pathname"

module Template
  # Tells what this run of `rails new` wrote from what was there before: a template is applied when Rails has written its files.
  class Leftovers
    def initialize(folder, began: Leftovers.process_began)
      @folder = Pathname(folder)
      @began = began
    end

    # @return [Time] of this process
    def self.process_began
      return Time.now - elapsed(`ps -o etime= -p #{Process.pid}`) unless File.exist?("/proc/self/stat")

      # The text in brackets is the name of the program, which may have spaces. The kernel rounds down to a tick: what was written shortly before is not ours.
      ticks = File.read("/proc/self/stat").rpartition(")").last.split[19].to_i + 1
      # A pause between two looks at the clock makes a difference smaller, never larger.
      boot = Array.new(5) { Time.now.to_r - Process.clock_gettime(Process::CLOCK_BOOTTIME, :nanosecond).quo(1_000_000_000) }.max
      Time.at(boot + ticks.quo(Etc.sysconf(Etc::SC_CLK_TCK)))
    end

    # @param text [String] such as "01:05", "2-03:04:05"
    # @return [Integer] seconds
    def self.elapsed(text) = text.strip.split(/[-:]/).map(&:to_i).reverse.zip([ 1, 60, 3600, 86_400 ]).sum { |count, unit| count * unit }

    # Files that are older than this run.
    def foreign = files.reject { |file| ours?(file) }

    # Leaves the folder as it was, and removes it if this run made it.
    def undo
      files.select { |file| ours?(file) }.each(&:delete)
      folders = @folder.find.select { |path| path.directory? && !path.symlink? }
      # Looked at before anything below them is removed.
      folders.select { |path| path != @folder || born_here?(path) }.reverse_each { |path| path.rmdir if path.empty? }
    end

    private

    def files = @folder.find.select { |path| path.file? || path.symlink? }

    # Not every file system says it; then an empty folder stays.
    def born_here?(folder)
      folder.birthtime >= @began
    rescue NotImplementedError
      false
    end

    def ours?(file) = file.lstat.ctime >= @began
  end
end
