import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { LiveProvider, useLive } from "./LiveProvider.jsx";

const SOCKET = `${location.origin.replace("http", "ws")}/bridge/connection/websocket`; // on the API's host
const REFRESH_MS = 90_000;

const ask = async (path, body) => {
  const how = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, how);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
};
const refresh = () => ask("/auth/refresh-token", {});

function Page() {
  const [campaigns, setCampaigns] = useState(undefined);
  const refetch = () => ask("/api/campaigns").then((answer) => answer.json()).then(setCampaigns);
  useEffect(() => {
    refresh().then(refetch, () => undefined); // still logged in, or not
    const timer = setInterval(refresh, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  if (campaigns === undefined) return <Login onDone={refetch} />;
  return (
    <LiveProvider url={SOCKET} campaigns={campaigns} refresh={refresh} refetch={refetch}>
      <Campaigns campaigns={campaigns} refetch={refetch} />
    </LiveProvider>
  );
}

function Login({ onDone }) {
  const login = (form) => ask("/auth/login", { id: form.get("id") }).then(onDone);
  return <form onSubmit={submitted(login)}><label>User <input name="id" defaultValue="3" /></label> <button>Log in</button></form>;
}

function Campaigns({ campaigns, refetch }) {
  const { state, proofs } = useLive();
  const add = (form) => ask("/api/campaigns", { name: form.get("name") }).then(refetch);
  return (
    <main>
      <h1>Campaigns</h1>
      <p>Live: <output>{state}</output></p>
      <table>
        <thead><tr><th>Campaign</th><th>Status</th><th>On the ledger</th></tr></thead>
        <tbody>
          {campaigns.map(({ id, name, status }) => (
            <tr key={id} id={`campaign-${id}`}><td>{name}</td><td>{status}</td><td>{proofs[id]}</td></tr>
          ))}
        </tbody>
      </table>
      <form onSubmit={submitted(add)}><label>Name <input name="name" required /></label> <button>New campaign</button></form>
    </main>
  );
}

const submitted = (send) => (event) => {
  event.preventDefault();
  send(new FormData(event.currentTarget));
};

createRoot(document.getElementById("root")).render(<Page />);
