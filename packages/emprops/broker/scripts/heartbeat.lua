-- Keep a worker and its leases alive.
--
-- Jobs come as pairs of id and attempt. A job that the worker no longer holds is named in the answer: the worker stops it.
--
-- keys: workers worker_expiry turns states leases
-- args: worker expiry_ms lease_ms idle_ms jobs*
-- errors: worker_unknown
-- returns: ids of the jobs that the worker does not hold any more

if redis.call('HEXISTS', key.workers, arg.worker) == 0 then
  return refuse('worker_unknown', { worker_id = arg.worker })
end
redis.call('ZADD', key.worker_expiry, now + arg.expiry_ms, arg.worker)
redis.call('HSET', key.turns, arg.worker, now - arg.idle_ms)
local lost = {}
for index = 1, #arg.jobs, 2 do
  local id, attempt = arg.jobs[index], tonumber(arg.jobs[index + 1])
  local state = load_state(id)
  if state and state.status == status.running and state.worker == arg.worker and state.attempt == attempt then
    redis.call('ZADD', key.leases, now + arg.lease_ms, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
