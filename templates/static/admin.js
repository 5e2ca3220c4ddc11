// What helps a little where scripts run; nothing needs it.
