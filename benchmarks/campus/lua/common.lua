-- What all rows share: reading the targets and reporting one line of JSON.

local common = {}

function common.lines()
  local found = {}
  for line in io.lines(os.getenv("BENCH_TARGETS")) do
    found[#found + 1] = line
  end
  return found
end

function common.headers()
  local found = { ["Content-Type"] = "application/json" }
  local token = os.getenv("BENCH_TOKEN")
  if token and token ~= "" then
    found["Authorization"] = "Bearer " .. token
  end
  return found
end

-- Instants just past, each only once in a run.
local issued = 0
function common.moment()
  issued = issued + 1
  local second = os.date("!%Y-%m-%dT%H:%M:%S", os.time() - 2)
  return string.format("%s.%06dZ", second, issued % 1000000)
end

function common.report(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"micros":%d,"bytes":%d,"status":%d,"socket":%d,"p50":%.3f,"p99":%.3f}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

return common
