-- Health of every kind of trunkline.dev in Argo CD, which without it takes any object that exists for healthy.
-- Degraded is what was refused and waits for an edit; Progressing what nobody has to mend, or not here.
local function find(conditions, kind)
  for _, condition in ipairs(conditions) do
    if condition.type == kind then
      return condition
    end
  end
end

local status = obj.status or {}
local conditions = status.conditions or {}
local stalled, ready = find(conditions, "Stalled"), find(conditions, "Ready")

if status.observedGeneration ~= nil and status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "Trunkline has not looked at this generation yet"}
end
if stalled ~= nil and stalled.status == "True" then
  return {status = "Degraded", message = stalled.reason .. ": " .. stalled.message}
end
if ready == nil then
  return {status = "Progressing", message = "Trunkline has not looked at it yet"}
end
if ready.status == "True" then
  return {status = "Healthy", message = ready.message}
end
return {status = "Progressing", message = ready.reason .. ": " .. ready.message}
