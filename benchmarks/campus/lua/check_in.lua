-- One check-in per request, user after user.

local common = dofile(os.getenv("BENCH_COMMON"))
local users, headers, at = {}, nil, 0

function init()
  users, headers = common.lines(), common.headers()
end

function request()
  at = at % #users + 1
  local body = '{"user":' .. users[at] .. ',"timestamp":"' .. common.moment() .. '"}'
  return wrk.format("POST", "/attendance/", headers, body)
end

function done(summary, latency)
  common.report(summary, latency)
end
