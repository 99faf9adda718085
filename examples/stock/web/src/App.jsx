import { useCallback, useEffect, useState } from "react";
import * as api from "./api.js";

/** Asks again every second; what was answered last, and what went wrong last. */
function usePolled(ask) {
  const [answer, setAnswer] = useState();
  const [problem, setProblem] = useState();
  useEffect(() => {
    let wanted = true;
    const look = () =>
      ask().then(
        (found) => wanted && (setAnswer(found), setProblem(undefined)),
        (error) => wanted && setProblem(error.message),
      );
    look();
    const timer = setInterval(look, 1000);
    return () => {
      wanted = false;
      clearInterval(timer);
    };
  }, [ask]);
  return [answer, problem];
}

function usePath() {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const moved = () => setPath(location.pathname);
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);
  const go = useCallback((to) => {
    history.pushState(null, "", to);
    setPath(to);
  }, []);
  return [path, go];
}

function Overview({ go }) {
  const [totals, problem] = usePolled(api.totals);
  const [refused, setRefused] = useState();
  const count = async (form) => {
    try {
      const { id } = await api.start(Number(form.get("duration")));
      go(`/jobs/${id}`);
    } catch (error) {
      setRefused(error.message);
    }
  };
  return (
    <>
      <dl>
        {Object.entries(totals ?? {}).map(([state, number]) => (
          <div key={state}>
            <dt>{state}</dt>
            <dd>{number}</dd>
          </div>
        ))}
      </dl>
      <form action={count}>
        <label>
          Count for <input name="duration" type="number" min="0" max="600000" defaultValue="2000" /> ms
        </label>
        <button>Start</button>
      </form>
      <p role="alert">{refused ?? problem}</p>
    </>
  );
}

function Job({ id }) {
  const ask = useCallback(() => api.job(id), [id]);
  const [job, problem] = usePolled(ask);
  return (
    <>
      <h2>Count {id}</h2>
      <p>{job?.state}</p>
      {job?.result && <p>It took {job.result.took} ms.</p>}
      <p role="alert">{problem}</p>
    </>
  );
}

export function App() {
  const [path, go] = usePath();
  const [running] = usePolled(api.version);
  const id = path.match(/^\/jobs\/([^/]+)$/)?.[1];
  const home = (event) => {
    event.preventDefault();
    go("/");
  };
  return (
    <main>
      <h1>
        <a href="/" onClick={home}>
          Stock
        </a>
      </h1>
      {id ? <Job id={decodeURIComponent(id)} /> : <Overview go={go} />}
      <footer>{running && `Version ${running.version}`}</footer>
    </main>
  );
}
