-- Moving an ended job from the live keys to its own key, which expires by itself.

local function archive(archive_key, id, state, index, retention, result)
  local request = redis.call('HMGET', key.requests, id, id .. ' payload')
  redis.call('HSET', archive_key,
    'spec', request[1],
    'payload', request[2],
    'history', redis.call('HGET', key.histories, id) or '',
    'state', cjson.encode(state),
    'result', result)
  redis.call('PEXPIRE', archive_key, retention)
  redis.call('HDEL', key.requests, id, id .. ' payload')
  redis.call('HDEL', key.histories, id)
  redis.call('HDEL', key.states, id)
  redis.call('ZADD', index, now, id)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now - retention)
  redis.call('ZREMRANGEBYRANK', index, 0, -1 - arg.ended_listed)
  if has_timeouts(state) then
    redis.call('ZREM', key.deadlines, id)
  end
  leave_class(string.sub(state.place, 1, 16))
  leave_customer(id, state)
  leave_workflow(state)
end
