-- The fencing check: only the worker and attempt that hold a job may report on it.

local function held(id, worker, attempt)
  local state = load_state(id)
  if state and state.status == status.running and state.worker == worker and state.attempt == attempt then
    return state
  end
  return nil
end

local function stale(id, worker, attempt)
  return refuse('lease_lost', { job_id = id, worker_id = worker, attempt = attempt })
end
