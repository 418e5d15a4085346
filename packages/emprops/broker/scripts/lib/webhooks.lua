-- Webhook subscriptions: their state, the lease of whoever serves one, switching them on and off, their log.

local function load_webhook(id)
  local text = redis.call('HGET', key.webhook_states, id)
  return text and cjson.decode(text)
end

local function save_webhook(id, state)
  redis.call('HSET', key.webhook_states, id, cjson.encode(state))
end

local function is_served_by(id, token)
  local lease = redis.call('HGET', key.webhook_leases, id)
  return lease and string.match(lease, '^%d+') == token
end

local function emit_webhook(type, id, state, extra)
  local fields = { 'type', type, 'at', now, 'subscription', id }
  if state.customer then
    fields[#fields + 1] = 'customer'
    fields[#fields + 1] = state.customer
  end
  for _, value in ipairs(extra) do
    fields[#fields + 1] = value
  end
  append_event(fields)
end

local function switch_on(id, state, reason)
  state.enabled = true
  state.reason = nil
  state.message = nil
  state.since = now
  for _, open in pairs(state.open) do
    open.attempts = 0
    open.due = now
    open.since = now
  end
  redis.call('HSET', key.webhook_leases, id, '0 - 0')
  emit_webhook('webhook.enabled', id, state, { 'reason', reason })
end

local function switch_off(id, state, reason, message)
  state.enabled = false
  state.reason = reason
  state.message = message
  state.since = now
  redis.call('HDEL', key.webhook_leases, id)
  emit_webhook('webhook.disabled', id, state, { 'reason', reason, 'message', message })
end

local function log_attempt(log, outcome, entry)
  redis.call('LPUSH', log, outcome .. ' ' .. entry)
  redis.call('LTRIM', log, 0, arg.log_entries - 1)
  redis.call('PEXPIRE', log, arg.log_ms)
end
