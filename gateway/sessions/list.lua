-- The live sessions of the user, the most recently used first: {id, all fields} each.
-- ARGV  6 one session id to look at, or '' for all

local found = {}
local remembered = tonumber(redis.call('GET', KEYS[3]) or '0')
local sids = ARGV[6] ~= '' and {ARGV[6]} or redis.call('ZREVRANGE', KEYS[1], 0, -1)
for _, sid in ipairs(sids) do
  local f = family(sid)
  if f and not f.ended and f.deadline > now and f.epoch >= remembered then
    found[#found + 1] = {sid, redis.call('HGETALL', prefix .. sid), f.deadline}
  end
end
return found
