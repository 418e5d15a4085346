-- Reading and writing the state of a job that has not ended.

local function load_state(id)
  local text = redis.call('HGET', key.states, id)
  return text and cjson.decode(text)
end

local function save_state(id, state)
  redis.call('HSET', key.states, id, cjson.encode(state))
end

-- Whether a job belongs to somebody else than whoever asks; whoever asks for no customer in particular may ask for all.
local function of_another(state)
  return arg.owner ~= '' and state.customer ~= arg.owner
end
