-- Ending an attempt: its last progress, its lease, its line in the history.

local function end_attempt(id, state, outcome, error, message)
  if state.unshown then
    show_progress(id, state)
  end
  redis.call('ZREM', key.leases, id)
  local entry = cjson.encode({
    attempt = state.attempt, worker = state.worker, started_ms = state.since, ended_ms = now,
    outcome = outcome, error = error, message = message,
  })
  local before = redis.call('HGET', key.histories, id)
  redis.call('HSET', key.histories, id, before and before .. ',' .. entry or entry)
  state.since = now
  state.progress = nil
  state.progress_message = nil
  state.shown = nil
end
