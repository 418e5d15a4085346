-- Showing the progress of a running job.

local function show_progress(id, state)
  emit('job.progressed', id, state, {
    'worker', state.worker, 'attempt', state.attempt, 'progress', state.progress, 'message', state.progress_message,
  })
  state.shown = now
  state.unshown = nil
end
