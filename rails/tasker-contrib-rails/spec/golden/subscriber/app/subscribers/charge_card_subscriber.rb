# frozen_string_literal: true

# Each method gets the notification of its name; remove those that are not needed. An error here is logged and disturbs no step.
# To use it, name it in config/initializers/tasker.rb:
#
#   Tasker.subscribe "ChargeCardSubscriber"
class ChargeCardSubscriber < ActiveSupport::Subscriber
  def step_completed(event)
    Rails.logger.info("#{event.payload[:step]} took #{event.payload[:duration_ms]} ms")
  end

  def step_failed(event)
    Rails.logger.warn("#{event.payload[:step]} of task #{event.payload[:task_uuid]}: #{event.payload[:message]}")
  end
end
