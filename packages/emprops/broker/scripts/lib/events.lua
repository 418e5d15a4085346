-- Appending an event about a job.

-- `facts` are what the event says beyond the job's own; they are added to, so they are the caller's to give away.
local function emit(type, id, state, facts)
  if state.customer then
    facts[#facts + 1] = 'customer'
    facts[#facts + 1] = state.customer
  end
  if state.workflow then
    facts[#facts + 1] = 'workflow'
    facts[#facts + 1] = state.workflow
  end
  append_event({ 'type', type, 'at', now, 'job', id, 'status', state.status, unpack(facts) })
end
