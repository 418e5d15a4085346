-- Throw a dead letter away, with its payload and history.
--
-- keys: states dead archive events
-- args: id owner
-- errors: job_not_found job_not_dead
-- returns: nothing

local archived = redis.call('HGET', key.archive, 'state') or redis.call('HGET', key.states, arg.id)
local state = archived and cjson.decode(archived)
if not state or of_another(state) then
  return refuse('job_not_found', { job_id = arg.id })
end
if state.status ~= status.dead then
  return refuse('job_not_dead', { job_id = arg.id, status = state.status })
end
redis.call('DEL', key.archive)
redis.call('ZREM', key.dead, arg.id)
emit('job.discarded', arg.id, state, {})
return 1
