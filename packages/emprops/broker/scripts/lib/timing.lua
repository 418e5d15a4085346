-- The timeouts of a job: until when it must have started, each attempt must have ended, and the job must have ended.

local function has_timeouts(state)
  return state.queue_by or state.total_by or state.run_ms
end

-- Called whenever a job's status has changed; the earliest limit that applies now is what the reaper looks for.
local function set_deadline(id, state)
  if not has_timeouts(state) then
    return
  end
  local by = state.total_by or math.huge
  if state.status == status.running then
    by = math.min(by, state.run_ms and state.since + state.run_ms or math.huge)
  elseif state.attempt == 0 then
    by = math.min(by, state.queue_by or math.huge)
  end
  if by < math.huge then
    redis.call('ZADD', key.deadlines, by, id)
  else
    redis.call('ZREM', key.deadlines, id)
  end
end
