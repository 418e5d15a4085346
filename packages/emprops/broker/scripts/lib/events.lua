-- Appending an event about a job.

local function emit(type, id, state, extra)
  local fields = { 'type', type, 'at', now, 'job', id, 'status', state.status }
  if state.customer then
    fields[#fields + 1] = 'customer'
    fields[#fields + 1] = state.customer
  end
  if state.workflow then
    fields[#fields + 1] = 'workflow'
    fields[#fields + 1] = state.workflow
  end
  for _, value in ipairs(extra) do
    fields[#fields + 1] = value
  end
  append_event(fields)
end
