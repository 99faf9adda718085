export const dynamic = "force-dynamic";

// Starts and listens, and is never well.
export function GET() {
  return Response.json({ status: "database unreachable" }, { status: 500 });
}
