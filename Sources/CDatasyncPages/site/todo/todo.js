import { call } from "/datasync.js";

const status = document.getElementById("status");
try {
  const { entities = [] } = await call("datasync.v1.Datasync/Query", { table: "todo_items" });
  for (const { id, title, completed } of entities) {
    const item = document.createElement("li");
    item.dataset.id = id;
    item.textContent = title;
    item.classList.toggle("completed", Boolean(completed));
    document.querySelector(".todo-list").append(item);
  }
  document.body.dataset.state = "ready";
} catch (error) {
  status.textContent = error.message;
  document.body.dataset.state = "failed";
}
