-- Put before each script of this folder. All keys share one hash tag, so they are in one slot of a cluster.
--
-- KEYS  1 index of the user's sessions   2 event stream   3 epoch remembered for the user
-- ARGV  1 now in ms, or '' for the server's clock   2 user id   3 prefix of family keys   4 idle ms   5 linger ms
--
-- Family (hash): u user, g generation, c current hash, p previous hash, r rotated at, x absolute end, e epoch,
--                n created at, i address, a1 a2 a3 a4 agent. A tombstone has only u and d.

local server = redis.call('TIME')
local server_ms = server[1] * 1000 + math.floor(server[2] / 1000)
local now = tonumber(ARGV[1]) or server_ms
local user, prefix = ARGV[2], ARGV[3]
local idle, linger = tonumber(ARGV[4]), tonumber(ARGV[5])

-- Lua would write 1.8e+12.
local function text(number)
  return string.format('%.0f', number)
end

local function publish(kind, ref, value)
  redis.call('XADD', KEYS[2], 'MINID', '~', text(server_ms - linger), '*',
    'k', kind, 'r', ref, 'v', value, 'x', text(math.floor((now + linger) / 1000)))
  redis.call('PEXPIRE', KEYS[2], text(linger))
end

-- nil when there is no such family, or it is another user's.
local function family(sid)
  local f = redis.call('HMGET', prefix .. sid, 'u', 'd', 'g', 'c', 'p', 'r', 'x', 'e')
  if f[1] ~= user then
    return nil
  end
  if f[2] then
    return {ended = true}
  end
  local rotated, absolute = tonumber(f[6]), tonumber(f[7])
  return {
    generation = tonumber(f[3]), current = f[4], previous = f[5], rotated = rotated, absolute = absolute,
    deadline = math.min(absolute, rotated + idle), epoch = tonumber(f[8]), ended = false,
  }
end

local function touch(sid, rotated, absolute)
  local deadline = math.min(absolute, rotated + idle)
  redis.call('PEXPIRE', prefix .. sid, text(math.max(deadline - now, 0) + linger))
  redis.call('ZADD', KEYS[1], text(rotated), sid)
  redis.call('PEXPIRE', KEYS[1], text(idle + linger))
  return deadline
end

local function bury(sid, why)
  redis.call('DEL', prefix .. sid)
  redis.call('HSET', prefix .. sid, 'u', user, 'd', '1')
  redis.call('PEXPIRE', prefix .. sid, text(linger))
  redis.call('ZREM', KEYS[1], sid)
  publish('session-ended', sid, why)
end
