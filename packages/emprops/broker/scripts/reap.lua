-- Take back what time has run out on: expired leases, due jobs, silent workers.
--
-- Any process may call it, as often as it likes; within the interval it does nothing. The first call names the jobs
-- whose lease has run out; the second, with those jobs and their archive keys declared, takes them back.
--
-- keys: meta states specs payloads histories leases pending heads bounds eligible idle delayed dead workers worker_expiry claims events archive*
-- args: interval_ms dead_retention_ms ended_listed jobs*
-- transitions: lose abandon ready
-- returns: ids of jobs whose lease has run out, how many were taken back, and the profiles to wake

local returned = 0
for index, id in ipairs(arg.jobs) do
  local deadline = redis.call('ZSCORE', key.leases, id)
  if deadline and tonumber(deadline) <= now then
    local state = load_state(id)
    local worker, attempt = state.worker, state.attempt
    end_attempt(id, state, outcome.lost, 'lease_expired')
    state.used = state.used + 1
    state.error = 'lease_expired'
    local facts = { 'worker', worker, 'attempt', attempt, 'attempts_used', state.used }
    if state.used < state.max then
      state.status = status.pending
      save_state(id, state)
      enqueue(id, state.place)
      emit('job.lost', id, state, facts)
    else
      state.status = status.dead
      facts[#facts + 1] = 'error'
      facts[#facts + 1] = 'lease_expired'
      emit('job.dead', id, state, facts)
      archive(key.archive[index], id, state, key.dead, tonumber(arg.dead_retention_ms), '')
    end
    returned = returned + 1
  end
end
if #arg.jobs > 0 then
  return { {}, returned, wakes() }
end

local last = tonumber(redis.call('HGET', key.meta, 'reaped') or 0)
if now - last < tonumber(arg.interval_ms) and now >= last then
  return { {}, 0, {} }
end
redis.call('HSET', key.meta, 'reaped', now)
promote(100)
for _, worker in ipairs(redis.call('ZRANGE', key.worker_expiry, '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  local record = redis.call('HGET', key.workers, worker)
  redis.call('ZREM', key.worker_expiry, worker)
  redis.call('HDEL', key.workers, worker)
  redis.call('HDEL', key.claims, worker)
  redis.call('ZREM', key.idle, string.sub(record, 1, 16) .. worker)
  append_event({ 'type', 'worker.lost', 'at', now, 'worker', worker })
end
return { redis.call('ZRANGE', key.leases, '-inf', now, 'BYSCORE', 'LIMIT', 0, 100), 0, wakes() }
