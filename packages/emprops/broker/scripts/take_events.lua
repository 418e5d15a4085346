-- Move a webhook subscription forward in the stream, and open the events that it is to get.
--
-- Position and open events change together, so that an event is neither forgotten nor taken up twice, whoever is killed.
-- Nothing happens if the position is not what the deliverer believes: somebody has set it back meanwhile.
--
-- keys: webhook_states webhook_bodies webhook_leases events
-- args: id token before position missed pairs*
-- errors: webhook_lease_lost
-- returns: whether it was moved

if not is_served_by(arg.id, arg.token) then
  return refuse('webhook_lease_lost', { webhook_id = arg.id })
end
local state = load_webhook(arg.id)
if state.position ~= arg.before then
  return 0
end
state.position = arg.position
if arg.missed ~= '' then
  state.lagged = now
  emit_webhook('webhook.lagged', arg.id, state, { 'after', arg.before, 'until', arg.missed })
end
for i = 1, #arg.pairs, 2 do
  local event = arg.pairs[i]
  if not state.open[event] then
    state.open[event] = { attempts = 0, due = now, since = now }
    redis.call('HSET', key.webhook_bodies, arg.id .. ' ' .. event, arg.pairs[i + 1])
  end
end
save_webhook(arg.id, state)
return 1
