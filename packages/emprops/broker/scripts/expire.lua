-- Take back jobs whose lease has run out, and end what has passed its deadline.
--
-- Each job is looked at again: one that was renewed, reported or ended since `reap` named it is left alone.
--
-- keys: states requests histories leases pending delayed deadlines heads bounds eligible idle dead class_open class_idle customers customer_jobs workflows workflow_expiry events archive*
-- args: dead_retention_ms ended_listed jobs*
-- transitions: lose abandon overrun expire
-- returns: how many jobs it dealt with, the profiles to wake, and the attempts to stop, as worker, job and attempt

local done, stops = 0, {}

local function bury(index, id, state, error, facts)
  state.status = status.dead
  state.error = error
  facts[#facts + 1] = 'error'
  facts[#facts + 1] = error
  emit('job.dead', id, state, facts)
  archive(key.archive[index], id, state, key.dead, tonumber(arg.dead_retention_ms), '')
end

local function facts_of(state)
  if state.attempt == 0 then
    return { 'attempts_used', 0 }
  end
  return { 'worker', state.worker, 'attempt', state.attempt, 'attempts_used', state.used }
end

-- The attempt is used up; the job goes back to its place, or is given up if it was the last one.
local function lose(index, id, state, how, error, event)
  end_attempt(id, state, how, error)
  state.used = state.used + 1
  if state.used >= state.max then
    bury(index, id, state, error, facts_of(state))
    return
  end
  state.status = status.pending
  state.error = error
  save_state(id, state)
  set_deadline(id, state)
  enqueue(id, state.place)
  emit(event, id, state, facts_of(state))
end

local function stop(id, state)
  for _, value in ipairs({ state.worker, id, state.attempt }) do
    stops[#stops + 1] = value
  end
end

-- A job that must not go on at all, wherever it stands.
local function give_up(index, id, state, error)
  if state.status == status.running then
    stop(id, state)
    end_attempt(id, state, outcome.timed_out, error)
    state.used = state.used + 1
  elseif state.status == status.pending then
    redis.call('ZREM', key.pending, state.place .. id)
  else
    redis.call('ZREM', key.delayed, id)
  end
  state.due = nil
  bury(index, id, state, error, facts_of(state))
end

for index, id in ipairs(arg.jobs) do
  local lease = tonumber(redis.call('ZSCORE', key.leases, id) or math.huge)
  local deadline = tonumber(redis.call('ZSCORE', key.deadlines, id) or math.huge)
  if lease <= now or deadline <= now then
    local state = load_state(id)
    if state.total_by and state.total_by <= now then
      give_up(index, id, state, 'total_timeout')
    elseif state.status ~= status.running then
      give_up(index, id, state, 'queue_timeout')
    elseif lease <= now then
      lose(index, id, state, outcome.lost, 'lease_expired', 'job.lost')
    else
      stop(id, state)
      lose(index, id, state, outcome.timed_out, 'run_timeout', 'job.overran')
    end
    done = done + 1
  end
end
return { done, wakes(), stops }
