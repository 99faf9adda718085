export default function Login() {
  return (
    <main>
      <h1>Who are you?</h1>
      <p className="faint">Orders are shown to people who are known here.</p>
    </main>
  );
}
