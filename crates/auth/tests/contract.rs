//! The contract: every statement holds for every shipped backend, over memory and over a real Redis.
//!
//! Where designs differ, the statement says what the backend's own choices promise and asserts that, so none is skipped.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

#[path = "contract/ending.rs"]
mod ending;
#[path = "contract/entering.rs"]
mod entering;
mod harness;
#[path = "contract/keeping.rs"]
mod keeping;
#[path = "contract/lagging.rs"]
mod lagging;
#[path = "contract/renewing.rs"]
mod renewing;

/// One module per backend and store, one test per statement.
macro_rules! contract {
    ($($group:ident: $($statement:ident),+;)+) => {
        contract!(@backends [$($($group::$statement),+),+]
            none "none", session_memory "session-memory", session_redis "session-redis",
            jwt_stateless "jwt-stateless", jwt_denylist "jwt-denylist",
            jwt_denylist_index "jwt-denylist-index", jwt_allowlist "jwt-allowlist", jwt_refresh "jwt-refresh",
            jwt_epoch "jwt-epoch", jwt_epoch_cached "jwt-epoch-cached",
            jwt_denylist_cached "jwt-denylist-cached", session_cached "session-cached",
            jwt_denylist_polled "jwt-denylist-polled", jwt_denylist_pushed "jwt-denylist-pushed",
            jwt_denylist_filter "jwt-denylist-filter", jwt_denylist_filter_only "jwt-denylist-filter-only",
            jwt_refresh_1m "jwt-refresh-1m", jwt_refresh_1h "jwt-refresh-1h",
            jwt_refresh_static "jwt-refresh-static", jwt_refresh_grace "jwt-refresh-grace",
            session_sliding "session-sliding", session_user_row "session-user-row",
            jwt_strict_writes "jwt-strict-writes", cookie_signed "cookie-signed", cookie_signed_epoch "cookie-signed-epoch",
            jwt_minted "jwt-minted", jwt_key_rotation "jwt-key-rotation",
            opaque_introspection "opaque-introspection", jwt_status_list "jwt-status-list"
        );
    };
    (@postgres [$($group:ident::$statement:ident),+]) => {
        /// One server for all statements: making one takes seconds. Refresh families are there for their races.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let Some(server) = harness::PostgresServer::start() else { return };
            let server = std::sync::Arc::new(server);
            for name in ["session-postgres", "jwt-refresh", "jwt-refresh-grace"] {
                $(
                    let prefix = concat!(stringify!($group), " ", stringify!($statement));
                    println!("{name}: {prefix}");
                    let case = harness::Case::in_postgres(name, &server, &format!("{name} {prefix}")).await;
                    $group::$statement(case).await;
                )+
            }
        }
    };
    (@cluster [$($group:ident::$statement:ident),+]) => {
        /// One cluster for all statements: it takes seconds until it serves.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn cluster() {
            let cluster = std::sync::Arc::new(harness::RedisCluster::start(std::time::Duration::from_secs(5)));
            for name in [
                "session-redis", "session-sliding", "session-user-row", "jwt-allowlist", "jwt-denylist-index",
                "jwt-epoch", "jwt-refresh", "jwt-denylist-pushed", "jwt-minted", "jwt-status-list",
            ] {
                $(
                    let prefix = concat!(stringify!($group), " ", stringify!($statement));
                    println!("{name}: {prefix}");
                    let case = harness::Case::in_cluster(name, &cluster, &format!("{name} {prefix}")).await;
                    $group::$statement(case).await;
                )+
            }
        }
    };
    (@backends $statements:tt $($module:ident $name:literal),+) => {
        contract!(@postgres $statements);
        contract!(@cluster $statements);
        mod session_sqlite {
            contract!(@store memory Memory "session-sqlite" $statements);
            contract!(@store sqlite Sqlite "session-sqlite" $statements);
        }
        $(
            mod $module {
                contract!(@store memory Memory $name $statements);
                contract!(@store redis Redis $name $statements);
            }
        )+
    };
    (@store $module:ident $store:ident $name:literal [$($group:ident::$statement:ident),+]) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $statement() {
                    let case = crate::harness::Case::new($name, crate::harness::StoreKind::$store).await;
                    crate::$group::$statement(case).await;
                }
            )+
        }
    };
}

contract! {
    entering:
        a_login_is_let_in_as_who_it_is,
        wrong_passwords_and_unknown_users_get_one_answer,
        what_is_missing_or_invented_is_rejected,
        a_new_login_has_a_new_credential_and_adopts_none,
        accounts_lock_after_failures_in_a_row,
        credentials_end_on_time_by_the_clock_given,
        provisioned_logins_are_real,
        a_description_states_the_choices;
    ending:
        logout_ends_this_login_and_no_other,
        logout_everywhere_ends_all_as_promised,
        changing_the_password_ends_the_other_logins,
        a_disabled_user_is_out_as_promised,
        an_ended_login_is_not_brought_back_by_a_late_write,
        live_logins_are_counted_where_they_are_listed,
        an_ended_login_writes_nothing_where_writes_are_checked,
        a_user_row_is_seen_by_the_next_request,
        a_rotated_key_ends_what_it_signed;
    lagging:
        another_node_refuses_what_was_ended_within_the_declared_lag,
        a_node_that_comes_later_knows_what_was_ended,
        a_node_that_follows_the_log_knows_after_one_reading,
        a_node_that_listens_knows_at_once_and_finds_what_it_missed;
    renewing:
        a_refresh_token_is_good_as_long_as_declared,
        many_refreshes_at_once_leave_one_head,
        reuse_does_what_is_declared,
        refreshing_never_outlives_the_login,
        access_and_refresh_tokens_are_not_interchangeable,
        logout_ends_the_family;
    keeping:
        a_request_costs_one_command_per_check,
        a_store_keeps_a_login_no_longer_than_it_may_be_inactive,
        nothing_at_rest_is_a_credential,
        every_key_has_prefix_tag_and_time_to_live,
        a_store_that_is_down_is_an_error_and_comes_back;
}
