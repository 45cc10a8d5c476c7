-- Health of an Application, which Argo CD leaves out unless it is told: without it waves of Applications do not wait.
local health = (obj.status or {}).health or {}
return {status = health.status or "Progressing", message = health.message or ""}
