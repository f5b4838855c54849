drop trigger if exists tasker_contrib_guard on tasker.workflow_step_transitions;
drop trigger if exists tasker_contrib_track on tasker.workflow_step_transitions;
drop trigger if exists tasker_contrib_reset on tasker.workflow_step_transitions;
drop trigger if exists tasker_contrib_guard on tasker.task_transitions;
drop trigger if exists tasker_contrib_guard_completion on tasker.task_transitions;
drop index if exists tasker.tasker_contrib_open_steps;
drop index if exists tasker.tasker_contrib_open_tasks;
drop schema if exists tasker_contrib cascade;
