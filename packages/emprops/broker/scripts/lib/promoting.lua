-- Moving waiting jobs whose time has come into the queue.

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
end
