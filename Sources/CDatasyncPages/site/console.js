import { call } from "/datasync.js";

const status = document.getElementById("status");
try {
  const { tables = [] } = await call("datasync.v1.Datasync/Describe");
  for (const table of tables) {
    const item = document.createElement("li");
    item.textContent = table.name;
    document.getElementById("tables").append(item);
  }
  document.body.dataset.state = "ready";
} catch (error) {
  status.textContent = error.message;
  document.body.dataset.state = "failed";
}
