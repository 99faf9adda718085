import "./style.css";

export const metadata = {
  title: "Storefront",
  description: "A small shop to deploy",
};

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <header>
          <a href="/">Storefront</a>
          <a href="/orders">Orders</a>
        </header>
        {children}
      </body>
    </html>
  );
}
