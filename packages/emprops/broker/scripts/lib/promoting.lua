-- Waiting jobs: when the next one is due stands in `meta`, so that a claim need not look. It may stand there too early,
-- since a job that is cancelled leaves it; whoever looks then puts it right.

local function delay(id, due)
  redis.call('ZADD', key.delayed, due, id)
  if due < tonumber(redis.call('HGET', key.meta, 'due') or math.huge) then
    redis.call('HSET', key.meta, 'due', due)
  end
end

-- Move the jobs whose time has come into the queue, and return when the next one is due.
local function promote(limit)
  local due = redis.call('ZRANGE', key.delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)
  for _, id in ipairs(due) do
    local state = load_state(id)
    redis.call('ZREM', key.delayed, id)
    state.status = status.pending
    state.since = now
    state.due = nil
    save_state(id, state)
    enqueue(id, state.place)
    emit('job.ready', id, state, {})
  end
  local following = redis.call('ZRANGE', key.delayed, 0, 0, 'WITHSCORES')[2]
  if following then
    redis.call('HSET', key.meta, 'due', following)
  else
    redis.call('HDEL', key.meta, 'due')
  end
  return tonumber(following)
end
