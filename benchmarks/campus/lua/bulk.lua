-- A thousand check-ins per request, as a kiosk hands in after an outage.

local common = dofile(os.getenv("BENCH_COMMON"))
local users, headers, at = {}, nil, 0

function init()
  users, headers = common.lines(), common.headers()
end

function request()
  local rows = {}
  for n = 1, 1000 do
    at = at % #users + 1
    rows[n] = '{"user":' .. users[at] .. ',"timestamp":"' .. common.moment() .. '"}'
  end
  return wrk.format("POST", "/attendance/", headers, "[" .. table.concat(rows, ",") .. "]")
end

function done(summary, latency)
  common.report(summary, latency)
end
